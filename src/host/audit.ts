/** What of a capability was used: "files" of "/data/a.txt", with how many bytes went which way. */
export interface Use {
  /** "files", "stdio", "network", "programs", "storage", "environment", "clocks", "randomness". */
  readonly capability: string;
  /** Which one: a path, a host and port, a program, a variable's name; the guest's own words where it chose them. */
  readonly target: string;
  /** "open", "read", "write", "connect": a verb of the capability's own. */
  readonly action: string;
  readonly bytes?: number;
}

/** Takes note of a use at the moment of it. Never throws and never waits. */
export type Audit = (use: Use) => void;
