import type { Swapped } from "../../host/live.ts";
import { localTime } from "./voices.ts";

/** `loop:devserver/session#event` in the JS mapping. */
export interface Event {
  readonly tag: string;
  readonly val: unknown;
}

/** `loop:devserver/session#swapped`. */
export const swappedEvent = (
  { place, to, generation, state, parts }: Swapped,
  identifier: string,
  sinceChangeMs: number,
) => ({
  place,
  identifier,
  digest: to,
  generation,
  state,
  parts: parts.map(({ phase, ms }) => ({ phase, ms })),
  sinceChangeMs,
  time: localTime(),
});
