import { getToken } from "next-auth/jwt";

export async function GET(req) {
  const token = await getToken({ req, secret: process.env.AUTH_SECRET, secureCookie: process.env.AUTH_URL.startsWith("https:") });
  return Response.json(token);
}
