import type { OnProgress } from "../../resolve/fetch.ts";

/** `loop:cli/progress#task`, as its provider makes it. */
export interface Task {
  update(detail: string): void;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** Shows on a task how far a fetch is. */
export const shownOn =
  (task: Task): OnProgress =>
  (what, done, total) =>
    task.update(
      total === undefined
        ? `${what} ${megabytes(done)} MB`
        : total < 1000
          ? `${what} ${done}/${total}`
          : `${what} ${megabytes(done)}/${megabytes(total)} MB`,
    );
