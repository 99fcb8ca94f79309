// Shows the document that this page's own listener serves.

// Calls can be tried only where the API is on the same origin. Elsewhere there is no button that would fail, and no
// field that asks for a key to no purpose.
const callable = document.body.dataset.calls === "here";
const withoutKeys = {
  wrapComponents: {
    authorizeBtn: () => () => null,
    authorizeOperationBtn: () => () => null,
  },
};

SwaggerUIBundle({
  dom_id: "#operations",
  url: "../openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  supportedSubmitMethods: callable ? ["get", "post"] : [],
  tryItOutEnabled: callable,
  plugins: callable ? [] : [withoutKeys],
  // A key that somebody types lives as long as the page, and in no storage.
  persistAuthorization: false,
  // The document is checked where it is made, not by a server elsewhere.
  validatorUrl: "none",
});
