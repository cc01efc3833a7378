// Reads flags with the OpenFeature server SDK: a question on stdin, the details on stdout, both JSON.

import { text } from "node:stream/consumers";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

const { url, token, flags, context, fallback } = JSON.parse(await text(process.stdin));
const headers = [["Authorization", `Bearer ${token}`]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
const client = OpenFeature.getClient();
const details = {};
for (const flag of flags) details[flag] = await client.getBooleanDetails(flag, fallback, context);
process.stdout.write(JSON.stringify(details));
await OpenFeature.close();
