// Walks the main job with a client whose types come from the OpenAPI document: send, resend too soon, read the phone,
// guess wrong, check the right code, look at the status. It prints what it finds, for the test to compare.
//
//     node walk.js BASE_URL API_KEY NUMBER

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };

type Schemas = components["schemas"];
type Problem = Schemas["Problem"];
type RetryAfter = NonNullable<paths["/otp/send"]["post"]["responses"][429]["headers"]["Retry-After"]>;

const [base = "", key = "", number = ""] = process.argv.slice(2);
const client = createClient<paths>({
  baseUrl: base,
  headers: { Authorization: `Bearer ${key}` },
});

const { data: sent, error: refused } = await client.POST("/otp/send", {
  body: { to: number, purpose: "signup", metadata: { order: "1001" } },
});
if (!sent) throw new Error(refused.detail);
report("sent", sent.status, sent.channel, sent.delivery.status, sent.attempts_left, "attempts");

const again = await client.POST("/otp/send", { body: { to: number, purpose: "signup" } });
const tooSoon: Problem = expected("resend_too_soon", again.error);
const seconds: RetryAfter = retryAfter(again.response);
report("again", tooSoon.status, tooSoon.code, tooSoon.id === sent.id, 1 <= seconds && seconds <= 5);

const code = await read(number);
const wrong = code === "000000" ? "111111" : "000000";
const guess = await client.POST("/otp/verify", { body: { id: sent.id, code: wrong } });
const left: number | undefined = expected("wrong_code", guess.error).attempts_left;
report("guess", guess.response.status, "attempts left:", left);

const check = await client.POST("/otp/verify", { body: { id: sent.id, code } });
if (!check.data) throw new Error(check.error.detail);
const approved: "approved" = check.data.status;
report("check", check.response.status, approved, check.data.purpose);

const status = await client.GET("/otp/{id}", { params: { path: { id: sent.id } } });
if (!status.data) throw new Error(status.error.detail);
const events: string[] = status.data.timeline.map(({ event }) => event);
// When the phone had the message is another story, and nobody waited for its end.
const ours = events.filter((event) => !event.startsWith("sms."));
report("status", status.data.status, status.data.metadata?.["order"], ...ours.slice(-2));

const unknown = await client.GET("/otp/{id}", { params: { path: { id: "otp_nobodys" } } });
report("unknown", expected("no_such_verification", unknown.error).status);

/** What the compiler must refuse: with types that say nothing, these lines would not compile. */
export async function mistakes(): Promise<void> {
  // @ts-expect-error: no such path
  await client.POST("/otp/sent", { body: { to: number } });
  // @ts-expect-error: `to` is required
  await client.POST("/otp/send", { body: { purpose: "login" } });
  // @ts-expect-error: a channel that this version does not have
  await client.POST("/otp/send", { body: { to: number, channel: "pigeon" } });
  // @ts-expect-error: a number is no string
  await client.POST("/otp/verify", { body: { to: number, code: 123456 } });
  // @ts-expect-error: no such state
  report(status.data?.status === "aproved");
  // @ts-expect-error: no such member
  report(sent?.code);
}

function report(...words: unknown[]): void {
  console.log(words.join(" "));
}

/** The problem, which must have this code. */
function expected(code: Schemas["ProblemCode"], problem: Problem | undefined): Problem {
  if (problem?.code !== code) throw new Error(`expected ${code}, got ${JSON.stringify(problem)}`);
  return problem;
}

function retryAfter(response: Response): RetryAfter {
  const name: keyof paths["/otp/send"]["post"]["responses"][429]["headers"] = "Retry-After";
  return Number(response.headers.get(name));
}

/** The code in the newest message on the simulated phone. */
async function read(phone: string): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`${base}/sim/phones/${phone}`);
    const { items } = (await answer.json()) as { items: { text: string }[] };
    const code = items.at(-1)?.text.match(/\b[0-9]{6}\b/)?.[0];
    if (code) return code;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no message came");
}
