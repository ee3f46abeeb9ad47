import type { WireFault } from "../../host/crossing.ts";
import type { PlaceState } from "../../host/live.ts";
import type { Line } from "./journal.ts";

/** One JSON document a line, each way. What speaks another version answers nothing but its own. */
export const controlVersion = 1;

export type Question =
  | { readonly loop: number; readonly ask: "state" }
  | {
      readonly loop: number;
      readonly ask: "swap";
      readonly place: string;
      readonly identifier: string;
      readonly grants?: readonly string[];
    }
  | { readonly loop: number; readonly ask: "follow"; readonly past: boolean; readonly future: boolean };

export interface State {
  readonly pid: number;
  readonly what: string;
  readonly folder: string;
  readonly since: number;
  readonly places: readonly { readonly name: string; readonly standing: readonly PlaceState[] }[];
}

export interface SwappedShort {
  readonly from: string;
  readonly to: string;
  readonly generation: number;
  readonly state: string;
  readonly ms: number;
}

export type Answer = { readonly loop: number } & (
  | { readonly state: State }
  | { readonly swapped: readonly SwappedShort[] }
  | { readonly line: Line }
  | { readonly end: true }
  | { readonly fault: WireFault }
);
