// Reads flags with the OpenFeature web SDK, as a page does. A question on the first line of stdin;
// on stdout a line of details at the start and at each change, all JSON. Ends when stdin ends.

import { createInterface } from "node:readline";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";
import { EventSource } from "eventsource";

globalThis.EventSource = EventSource; // every browser has one

const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit());
const { value } = await lines[Symbol.asyncIterator]().next();
const { url, token, flags, context, fallback, seconds } = JSON.parse(value);
// Whoever waits for a line that never comes reads the end of the output instead.
setTimeout(() => process.exit(1), seconds * 1000);

const client = OpenFeature.getClient();
function tell(event, error) {
  const details = Object.fromEntries(flags.map((flag) => [flag, client.getBooleanDetails(flag, fallback)]));
  process.stdout.write(`${JSON.stringify({ event, error, details })}\n`);
}

await OpenFeature.setContext(context);
const headers = [["Authorization", `Bearer ${token}`]];
// No polling: a change can come over the stream only. No storage: that is the browser's.
const provider = new OFREPWebProvider({ baseUrl: url, headers, pollInterval: 0, cacheMode: "disabled" });
try {
  await OpenFeature.setProviderAndWait(provider);
  client.addHandler(ProviderEvents.ConfigurationChanged, () => tell("changed"));
  tell("ready");
} catch (fault) {
  tell("failed", fault.code);
}
