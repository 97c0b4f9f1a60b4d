/**
 * The gateway's own client: who is signed in, in and out, for pages that have no other. `import { signIn } from "/api/auth/client.js"`.
 *
 * It speaks both flavours of `/api/auth/*` (authjs-v4 and authjs-v5), needs nothing else, and runs no code that a strict
 * Content-Security-Policy would forbid. docs/browser-client.md is its manual.
 *
 * @typedef {object} User
 * @property {string | null} [name]
 * @property {string | null} [email]
 * @property {string | null} [image]
 *
 * @typedef {object} Session
 * @property {User & Record<string, unknown>} user Who is signed in, and what the gateway's configuration shows besides.
 * @property {string} expires When the session ends unless it is used before: ISO 8601, UTC.
 *
 * @typedef {object} SignInResult
 * @property {boolean} ok Whether somebody is signed in now.
 * @property {number} status The HTTP status of the answer.
 * @property {string | null} error Why not, as a stable word: `CredentialsSignin` is a wrong password.
 * @property {string | null} code What the provider said about it, if anything.
 * @property {string | null} message The same in words for people.
 * @property {number | null} retryAfter Seconds to wait before the next attempt means anything.
 * @property {string | null} url Where the sign-in ends, or where the operator's rules send whoever they refuse; else null.
 *
 * @callback SessionListener
 * @param {Session | null} session
 * @returns {void}
 */

const BASE = new URL("./", import.meta.url);
const CHANNEL = "auth-gateway";
const PATIENCE_MS = 30_000;
/** Coming back to a tab asks again, at most this often. */
const GAP_MS = 5_000;
/** Word from another tab asks again, at most this often. */
const WORD_GAP_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;

/** There was no answer, or none of the gateway's: nothing is known about who is signed in. */
export class AuthError extends Error {
  /**
   * @param {string} error A stable word: the gateway's reason, or `no-answer`, `unreadable-answer`, `csrf-refused`.
   * @param {string} message
   * @param {{status?: number | null, retryAfter?: number | null, requestId?: string | null, cause?: unknown}} [details]
   */
  constructor(error, message, { status = null, retryAfter = null, requestId = null, cause } = {}) {
    super(message, { cause });
    this.name = "AuthError";
    this.error = error;
    this.status = status;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }
}

/**
 * Sign in.
 *
 * Without credentials the browser goes to the gateway's sign-in page. With them nothing but a good sign-in ever leaves the page:
 * whatever else happens is in the result.
 *
 * @param {string} [provider] The id of a provider of the gateway.
 * @param {Record<string, string>} [credentials] A value for each field of that provider.
 * @param {{redirect?: boolean, callbackUrl?: string}} [options] `callbackUrl` is where to go, the page itself unless said;
 *   with `redirect: false` the page stays.
 * @returns {Promise<SignInResult>}
 * @throws {AuthError} There was no answer, or none that can be read.
 */
export async function signIn(provider, credentials, { redirect = true, callbackUrl = location.href } = {}) {
  if (provider === undefined || credentials === undefined) {
    if (!redirect) throw new TypeError("signIn() without a redirect needs a provider and its credentials");
    const page = new URL("signin", BASE);
    page.searchParams.set("callbackUrl", callbackUrl);
    location.assign(page);
    return never();
  }
  const answer = await post(`callback/${encodeURIComponent(provider)}`, { ...credentials, callbackUrl });
  const result = outcome(answer);
  if (!result.ok || result.url === null) return result;
  changed();
  if (redirect) return leave(result.url);
  await getSession().catch(() => null);
  return result;
}

/**
 * Sign out, in this tab and in all others.
 *
 * @param {{redirect?: boolean, callbackUrl?: string}} [options] As of `signIn`.
 * @returns {Promise<{url: string}>}
 * @throws {AuthError} The gateway did not do it.
 */
export async function signOut({ redirect = true, callbackUrl = location.href } = {}) {
  const answer = await post("signout", { callbackUrl });
  const { ok, error, message, url, status, retryAfter } = outcome(answer);
  if (!ok || url === null) throw new AuthError(error ?? "unreadable-answer", message ?? "", { status, retryAfter });
  changed();
  if (redirect) return leave(url);
  await getSession().catch(() => null);
  return { url };
}

/** @type {Promise<Session | null> | null} */
let asking = null;
/** Counts sign-ins and sign-outs, so that an answer to an older question is not believed. */
let era = 0;
let askedAt = -Infinity;

/**
 * Who is signed in: the session, or null for nobody. Calls at one time share one request.
 *
 * @returns {Promise<Session | null>}
 * @throws {AuthError} There was no answer: this does not mean that nobody is signed in.
 */
export function getSession() {
  if (asking === null) {
    const question = ask().finally(() => {
      if (asking === question) asking = null;
    });
    asking = question;
  }
  return asking;
}

/** @returns {Promise<Session | null>} */
async function ask() {
  const mine = era;
  askedAt = Date.now();
  /** @type {Session | null} */
  let session;
  try {
    const { response, body } = await exchange("session");
    if (!response.ok || typeof body !== "object") throw refusal(response, body);
    session = hasUser(body) ? body : null; // v4 says {} for nobody, v5 null
  } catch (error) {
    if (mine === era) failed(error);
    throw error;
  }
  if (mine !== era) return getSession(); // somebody signed in or out meanwhile
  learn(session);
  return session;
}

/** @type {Set<SessionListener>} */
const listeners = new Set();
/** @type {Session | null | undefined} */
let known;
/** @type {BroadcastChannel | null} */
let channel = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let alarm;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let planned;
let plannedFor = Infinity;
let failures = 0;

/**
 * Be told who is signed in: once it is known, and whenever somebody else, nobody, or another state of the user is.
 *
 * It hears of sign-ins and sign-outs in other tabs at once; it asks again when the tab is looked at after a while, when the network is
 * back, and when the session should have ended. While there is no answer the last one stands.
 *
 * @param {SessionListener} listener
 * @returns {() => void} Ends it.
 */
export function onSession(listener) {
  if (listeners.size === 0) attend();
  /** @type {SessionListener} */
  const own = (session) => listener(session);
  listeners.add(own);
  if (known === undefined) plan(0);
  else queueMicrotask(() => listeners.has(own) && known !== undefined && tell(own, known));
  return () => {
    if (listeners.delete(own) && listeners.size === 0) rest();
  };
}

/** @param {Session | null} session */
function learn(session) {
  failures = 0;
  if (listeners.size === 0) return; // nobody would keep it true
  const before = known;
  known = session;
  watchTheEnd(session);
  if (before !== undefined && print(before) === print(session)) return;
  say({ user: print(session) });
  for (const listener of [...listeners]) tell(listener, session);
}

/** @param {SessionListener} listener @param {Session | null} session */
function tell(listener, session) {
  try {
    listener(session);
  } catch (error) {
    reportError(error); // one that fails must not keep the others from being told
  }
}

/** @param {unknown} error */
function failed(error) {
  failures += 1;
  if (listeners.size === 0) return;
  const told = error instanceof AuthError && error.retryAfter !== null ? error.retryAfter * 1000 : 0;
  plan(Math.min(LONGEST_WAIT_MS, Math.max(told, 1000 * 2 ** Math.min(failures, 10))));
}

/** Ask again after some time; an earlier plan stands. @param {number} delay */
function plan(delay) {
  const due = Date.now() + delay;
  if (due >= plannedFor) return;
  clearTimeout(planned);
  plannedFor = due;
  planned = setTimeout(() => {
    plannedFor = Infinity;
    getSession().catch(() => null); // `failed` has planned the next attempt
  }, delay);
}

/** Ask again, but not more often than each so many milliseconds. @param {number} gap */
function planWithin(gap) {
  if (failures === 0) plan(Math.max(0, askedAt + gap - Date.now()));
}

/** @param {Session | null} session */
function watchTheEnd(session) {
  clearTimeout(alarm);
  if (session === null) return;
  // A second later, so that asking finds it ended and does not prolong it. Clocks differ, so never at once.
  const wait = Math.max(10_000, Date.parse(session.expires) + 1000 - Date.now());
  const rung = wait <= 43_200_000;
  alarm = setTimeout(() => (rung ? plan(0) : watchTheEnd(session)), Math.min(wait, 43_200_000)); // longer ones overflow
}

function looked() {
  if (document.visibilityState === "visible") planWithin(GAP_MS);
}

/** @param {PageTransitionEvent} event */
function shown(event) {
  if (event.persisted) planWithin(0); // from the back-forward cache, with whatever was true then
}

function online() {
  plan(0);
}

/** @param {MessageEvent} event */
function heard(event) {
  const { data } = event;
  if (typeof data !== "object" || data === null) return;
  if (data.changed === true) {
    era += 1;
    asking = null;
    plan(Math.max(0, askedAt + WORD_GAP_MS - Date.now()));
  } else if (known !== undefined && data.user !== print(known)) planWithin(WORD_GAP_MS);
}

function attend() {
  if ("BroadcastChannel" in globalThis) {
    channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = heard;
  }
  document.addEventListener("visibilitychange", looked);
  addEventListener("focus", looked);
  addEventListener("pageshow", shown);
  addEventListener("online", online);
}

function rest() {
  channel?.close();
  channel = null;
  clearTimeout(alarm);
  clearTimeout(planned);
  plannedFor = Infinity;
  known = undefined;
  document.removeEventListener("visibilitychange", looked);
  removeEventListener("focus", looked);
  removeEventListener("pageshow", shown);
  removeEventListener("online", online);
}

/** Somebody signed in or out here: what was asked before is history, and the other tabs should know. */
function changed() {
  era += 1;
  asking = null;
  say({ changed: true });
}

/** @param {{changed: true} | {user: string}} word */
function say(word) {
  if (channel !== null) channel.postMessage(word);
  else if ("BroadcastChannel" in globalThis) {
    const short = new BroadcastChannel(CHANNEL);
    short.postMessage(word);
    short.close();
  }
}

/** What two sessions are compared by: `expires` moves all the time. @param {Session | null} session */
function print(session) {
  return JSON.stringify(session === null ? null : session.user);
}

/**
 * Post a form with a csrf token. A token that has gone stale, because cookies were cleared, is got anew once.
 *
 * @param {string} action
 * @param {Record<string, string>} fields
 * @returns {Promise<{response: Response, body: unknown}>}
 */
async function post(action, fields) {
  for (const last of [false, true]) {
    const { response: asked, body: given } = await exchange("csrf");
    const csrfToken = asked.ok && typeof given === "object" && given !== null && "csrfToken" in given ? given.csrfToken : null;
    if (typeof csrfToken !== "string") throw refusal(asked, given);
    const form = new URLSearchParams({ ...fields, csrfToken, json: "true" }); // v4 clients ask for JSON by a field,
    const answer = await exchange(action, { method: "POST", body: form, headers: { "X-Auth-Return-Redirect": "1" } }); // v5 by a header
    if (reasonIn(answer.response) !== "csrf-mismatch") return answer;
    if (last) throw new AuthError("csrf-refused", "The browser does not keep the cookie that forms need.", { status: answer.response.status });
  }
  return never();
}

/**
 * @param {string} action
 * @param {RequestInit & {headers?: Record<string, string>}} [how]
 * @returns {Promise<{response: Response, body: unknown}>}
 */
async function exchange(action, how = {}) {
  /** @type {Response} */
  let response;
  /** @type {string} */
  let text;
  try {
    response = await fetch(new URL(action, BASE), {
      ...how,
      headers: { Accept: "application/json", ...how.headers },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch (cause) {
    throw new AuthError("no-answer", "The sign-in service can't be reached.", { cause });
  }
  try {
    return { response, body: text === "" ? null : JSON.parse(text) }; // v4 may say nothing for nobody
  } catch {
    throw refusal(response, null);
  }
}

/**
 * What a POST came to: the gateway's reason says whether it was done. An `error` in the address does not: it may be the page's own, which
 * stays there when somebody signs in on the page that a failed attempt led to.
 *
 * @param {{response: Response, body: unknown}} answer
 * @returns {SignInResult}
 */
function outcome({ response, body }) {
  const url = addressIn(body);
  const reason = textIn(body, "error");
  if (url === null && reason === null) throw refusal(response, body);
  const said = reasonIn(response);
  const ok = said === "signed-in" || said === "signed-out";
  const named = ok ? null : (reason ?? url?.searchParams.get("error") ?? null);
  const error = ok ? null : (named ?? said ?? "refused");
  return {
    ok,
    status: response.status,
    error,
    code: ok ? null : (url?.searchParams.get("code") ?? null),
    message: ok ? null : (textIn(body, "message") ?? wordsFor(error)),
    retryAfter: secondsIn(response),
    url: named === null && url !== null ? url.href : null,
  };
}

/** @param {string | null} error */
function wordsFor(error) {
  if (error === "CredentialsSignin") return "The sign-in failed. Check what you entered.";
  if (error === "AccessDenied" || error === "sign-in-denied") return "You may not sign in here.";
  return "The sign-in did not work.";
}

/** @param {Response} response @param {unknown} body */
function refusal(response, body) {
  const error = textIn(body, "error") ?? "unreadable-answer";
  const message = textIn(body, "message") ?? `The sign-in service gave an answer that can't be read (HTTP ${response.status}).`;
  const requestId = response.headers.get("X-Request-Id");
  return new AuthError(error, message, { status: response.status, retryAfter: secondsIn(response), requestId });
}

/** @param {Response} response */
function reasonIn(response) {
  return response.headers.get("X-Gateway-Reason");
}

/** @param {Response} response */
function secondsIn(response) {
  const text = response.headers.get("Retry-After");
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/** @param {unknown} body @returns {URL | null} */
function addressIn(body) {
  const text = textIn(body, "url");
  return text !== null && URL.canParse(text) && /^https?:/.test(text) ? new URL(text) : null;
}

/** @param {unknown} body @param {"url" | "error" | "message"} key @returns {string | null} */
function textIn(body, key) {
  if (typeof body !== "object" || body === null) return null;
  const value = /** @type {Record<string, unknown>} */ (body)[key];
  return typeof value === "string" ? value : null;
}

/** @param {unknown} body @returns {body is Session} */
function hasUser(body) {
  return typeof body === "object" && body !== null && "user" in body && typeof body.user === "object" && body.user !== null;
}

/** Go there, and stay pending until the page is gone. @param {string} url @returns {Promise<never>} */
function leave(url) {
  const there = new URL(url);
  location.assign(there);
  // To a place on this very page no browser reloads by itself; its scripts would never see the new session.
  if (there.hash !== "" && there.href.split("#")[0] === location.href.split("#")[0]) location.reload();
  return never();
}

/** @returns {Promise<never>} */
function never() {
  return new Promise(() => {});
}
