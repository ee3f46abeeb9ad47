import { build, enter, type Outcome } from "loop:build/builds@0.1.0";
import { Task } from "loop:cli/progress@0.1.0";

/** Builds a folder's component where it is stale, and shows that something is going on. */
export const buildShown = (folder: string, force: boolean): Outcome => {
  const task = new Task("Building");
  try {
    return build(folder, force);
  } finally {
    task.finish();
  }
};

/** The path of the component of the current folder, built where it is stale. */
export const built = (): string => buildShown(".", false).component;

/** What an identifier names; where that is a folder, or nothing was said, the component there, built where it is stale. */
export const found = (identifier: string | undefined): string => {
  if (identifier === undefined) return built();
  const folder = enter(identifier);
  return folder === undefined ? identifier : buildShown(folder, false).component;
};
