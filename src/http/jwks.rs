//! The public keys of signed proofs. Proofs are not made yet, so the set is empty.

use actix_web::HttpResponse;

/// The public keys that proofs are signed with (RFC 7517).
///
/// Proofs are not made in this version, so the set is empty.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "proofs", operation_id = "getJwks", security(()), responses(
    (status = 200, description = "A JSON Web Key Set; empty in this version.", body = Object,
        content_type = "application/jwk-set+json", example = json!({"keys": []})),
    (status = 400, description = "The request is no valid HTTP. There is no body."),
))]
pub(super) async fn keys() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/jwk-set+json")
        .body(r#"{"keys":[]}"#)
}
