import type { Invocation } from "loop:cli/types@0.1.0";
import { buildFolder } from "./build.ts";
import { create } from "./new.ts";

const run = (invocation: Invocation): number =>
  invocation.command === "new" ? create(invocation) : buildFolder(invocation);

export const command = { run };
