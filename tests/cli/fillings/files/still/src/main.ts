// A clock that stands still: it is always the first second of 2001.
export const wallClock = {
  now: () => ({ seconds: 978_307_200n, nanoseconds: 5 }),
  resolution: () => ({ seconds: 0n, nanoseconds: 1 }),
};
