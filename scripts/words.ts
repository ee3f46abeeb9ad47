/** A line's words as a shell splits them: blanks separate, '…' is literal, "…" and \ quote. No expansion. */
export const splitWords = (line: string): string[] => {
  const words: string[] = [];
  const pattern = /\s*((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+)/gy;
  let end = 0;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    end = pattern.lastIndex;
    words.push(unquote(match[1]!));
  }
  if (line.slice(end).trim() !== "") throw new Error(`A quote is not closed: ${line}`);
  return words;
};

const unquote = (text: string): string =>
  text.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_, single, double, escaped) =>
    single !== undefined ? single : double !== undefined ? double.replace(/\\(["\\$`])/g, "$1") : escaped,
  );
