import { auth } from "../../auth";

export default async function Server() {
  return <pre id="server">{JSON.stringify(await auth())}</pre>;
}
