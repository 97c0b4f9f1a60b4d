import { auth } from "../../../auth";

// Here auth() also writes cookies of its own, which must not get past the gateway.
export const GET = auth((req) => Response.json(req.auth));
