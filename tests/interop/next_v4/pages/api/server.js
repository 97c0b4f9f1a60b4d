import { getServerSession } from "next-auth";
import { authOptions } from "../../lib/auth";

// Here getServerSession() also writes cookies of its own, which must not get past the gateway.
export default async function handler(req, res) {
  res.json(await getServerSession(req, res, authOptions));
}
