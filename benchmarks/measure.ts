// Measuring turn by turn. Owns warm-up, interleaving and medians; refuses single runs and averages; used by every
// benchmark of this folder.

export interface Row {
  readonly work: string;
  readonly median: number;
  readonly unit: "ms" | "µs" | "ns" | "MiB" | "req/s" | "MiB/s" | "frames/s" | "count";
  /** What it is measured against, in the same run. */
  readonly against?: { readonly name: string; readonly median: number };
  /** Ours divided by theirs: below one is faster, or less; above one for what is counted per second. */
  readonly ratio?: number;
  readonly target?: { readonly text: string; readonly met: boolean };
}

export interface Contender {
  readonly name: string;
  /** Does the work once; answers its own measure, or nothing and the clock is read around it. */
  once(): unknown;
}

export const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * Medians by contender, in milliseconds where the clock was read here. All take turns (A B A B), so that what the
 * machine does meanwhile falls on each alike; the first `warm` rounds are not counted.
 */
export const interleave = async (
  contenders: readonly Contender[],
  { rounds = 15, warm = 2 } = {},
): Promise<Map<string, number>> => {
  const taken = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -warm; round < rounds; round++)
    for (const { name, once } of contenders) {
      const startMs = performance.now();
      const own = await once();
      const value = typeof own === "number" ? own : performance.now() - startMs;
      if (round >= 0) taken.get(name)!.push(value);
    }
  return new Map([...taken].map(([name, values]) => [name, medianOf(values)]));
};

/** Ours against one peer, with the bound that the ratio has to keep. */
export const versus = (
  work: string,
  medians: ReadonlyMap<string, number>,
  ours: string,
  peer: string,
  ratioMax?: number,
): Row => {
  const [median, theirs] = [medians.get(ours)!, medians.get(peer)!];
  const ratio = median / theirs;
  return {
    work,
    median,
    unit: "ms",
    against: { name: peer, median: theirs },
    ratio,
    ...(ratioMax === undefined ? {} : { target: { text: `at most × ${ratioMax}`, met: ratio <= ratioMax } }),
  };
};

/** Runs a program to its end with nothing on its streams; throws where it fails, so that no failure is timed. */
export const spawn = (argv: readonly string[], more: { cwd?: string; env?: Record<string, string> } = {}) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...more,
  });
  if (exitCode !== 0)
    throw new Error(`${argv.join(" ")} ended with ${exitCode}:\n${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
};
