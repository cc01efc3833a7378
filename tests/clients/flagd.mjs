// Evaluates flagd definitions with @openfeature/flagd-core: cases on stdin, value and variant of each on stdout, JSON.

import { text } from "node:stream/consumers";
import { FlagdCore } from "@openfeature/flagd-core";

const silent = { error() {}, warn() {}, info() {}, debug() {} };
const found = JSON.parse(await text(process.stdin)).map(({ definition, contexts }) => {
  const core = new FlagdCore(undefined, silent);
  core.setConfigurations(JSON.stringify(definition));
  return contexts.map((context) => core.resolveAll(context).map(({ value, variant }) => ({ value, variant }))[0]);
});
process.stdout.write(JSON.stringify(found));
