// loop new and loop build. Owns the questions and the reports; refuses to know languages, of which the host
// answers what there is; called through command:new and command:build.
import type { Invocation } from "loop:cli/types@0.1.0";
import { buildFolder } from "./build.ts";
import { create } from "./new.ts";

const run = (invocation: Invocation): number =>
  invocation.command === "new" ? create(invocation) : buildFolder(invocation);

export const command = { run };
