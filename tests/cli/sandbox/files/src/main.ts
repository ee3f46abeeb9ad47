import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";

export const see = (): string[] => [
  ...getArguments(),
  ...getEnvironment().map(([name, value]) => `${name}=${value}`),
  ...getDirectories().map(([, name]) => name),
];

/** Creates a file in the first folder that is shown; the error code where that is refused. */
export const write = (path: string): void => {
  const [first] = getDirectories();
  if (!first) throw "no folder";
  try {
    first[0].openAt({}, path, { create: true }, { write: true });
  } catch (error) {
    throw String((error as { payload: unknown }).payload);
  }
};
