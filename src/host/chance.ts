/** Where an instance's clocks and randomness come from, if not from the system: a recording of them, or a replay. */
export interface Chance {
  /** The clock's answer; `now` asks the system. */
  clock(which: "monotonic" | "wall", now: () => bigint): bigint;
  /** `length` bytes; `make` asks the system. */
  random(length: number, make: () => Uint8Array): Uint8Array;
}
