/** Terminal styles, or the text as it is. */
export const paint = (styled: boolean) => {
  const style = (on: number, off: number) => (text: string) =>
    styled ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39) };
};

/** Whether a stream may carry styles: a terminal, and neither NO_COLOR nor --no-color. */
export const mayStyle = (isTerminal: boolean, noColor: boolean): boolean =>
  isTerminal && !noColor && !process.env.NO_COLOR && process.env.TERM !== "dumb";
