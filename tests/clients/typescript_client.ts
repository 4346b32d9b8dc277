// A contributor's app, in the types that were generated from openapi.json: what compiles here is what the service says
// it takes and gives, and what runs here is what it really does.
//
// The only argument is the service's address. Prints JSON: {pseudonym, campaigns, refused}.

import createClient from "openapi-fetch";
import type { components, paths } from "./generated/schema.d.ts";

type Problem = components["schemas"]["Problem"];

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });

function answered<Data>(result: { data?: Data; error?: Problem }): Data {
  if (result.data === undefined) {
    throw new Error(`${result.error?.type}: ${result.error?.detail}`);
  }
  return result.data;
}

const { tokens } = answered(
  await client.POST("/v1/accounts", {
    body: { email: `${crypto.randomUUID()}@example.org`, password: "a sentence nobody else says" },
  }),
);
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.access_token}`);
  },
});

const me = answered(await client.GET("/v1/me"));
const campaigns = answered(await client.GET("/v1/campaigns", { params: { query: { limit: 10 } } }));
const unknown = await client.GET("/v1/recordings/{recording}", {
  params: { path: { recording: crypto.randomUUID() } },
});

// The problem has the documented type, so the slug can be read without a cast.
const refused: string | undefined = unknown.error?.type;
console.log(
  JSON.stringify({ pseudonym: me.pseudonym, campaigns: campaigns.data.map((entry) => entry.title), refused }),
);
