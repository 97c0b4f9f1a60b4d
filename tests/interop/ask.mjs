// Asks the real packages: a JSON list of questions on standard input, a JSON list of answers on standard output.
import * as v4 from "next-auth-v4/jwt";
import * as v5 from "@auth/core/jwt";
import * as v5next from "next-auth-v5/jwt";

const cookies = (header) => Object.fromEntries(header.split("; ").map((pair) => {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1))];
}));

const asks = {
  "v4": {
    decode: ({ token, secret, salt }) => v4.decode({ token, secret, salt: salt ?? "" }),
    encode: ({ claims, secret, maxAge }) => v4.encode({ token: claims, secret, maxAge }),
    getToken: ({ cookie, secret, secureCookie }) => v4.getToken({ req: { cookies: cookies(cookie), headers: {} }, secret, secureCookie }),
  },
  "v5": {
    decode: ({ token, secret, salt }) => v5.decode({ token, secret, salt }),
    encode: ({ claims, secret, salt, maxAge }) => v5.encode({ token: claims, secret, salt, maxAge }),
    getToken: async ({ cookie, secret, secureCookie }) => {
      const req = { headers: new Headers({ cookie }) };
      const [core, next] = await Promise.all([v5, v5next].map((jwt) => jwt.getToken({ req, secret, secureCookie })));
      if (JSON.stringify(core) !== JSON.stringify(next)) throw new Error("@auth/core and next-auth disagree");
      return core;
    },
  },
};

let text = "";
for await (const piece of process.stdin) text += piece;
const answers = [];
for (const { family, what, ...question } of JSON.parse(text)) {
  try {
    answers.push((await asks[family][what](question)) ?? null);
  } catch (error) {
    answers.push({ threw: String(error) });
  }
}
console.log(JSON.stringify(answers));
