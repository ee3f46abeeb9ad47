import { fault } from "../base/fault.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** The end of a day that a person writes as "2027-12-31", in UTC: what lasts until that day lasts until then. Faults: LK0810. */
export const endOfDay = (text: string): number => {
  const startMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // "2027-02-31" would be read as a day in March.
  if (!Number.isNaN(startMs) && new Date(startMs).toISOString().startsWith(text)) return startMs + dayMs;
  throw fault("LK0810", `A day is written as 2027-12-31, and "${text}" was written`, {
    hint: "--expires 2027-12-31",
  });
};

/** The day whose end this is. */
export const dayOf = (endMs: number): string => new Date(endMs - dayMs).toISOString().slice(0, 10);
