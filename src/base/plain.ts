/** What moves the cursor, turns the direction of reading or ends a line where none should end. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text that a guest, a file or a peer may have written, without what could make it look like ours; line ends stay. */
export const plain = (text: string): string =>
  text.replace(unsafe, (character) => (character === "\n" ? character : " "));

/** The same in one line of at most so many characters, the end of which is cut off. */
export const plainLine = (text: string, lengthMax: number): string => {
  const line = text.slice(0, lengthMax * 4).replace(unsafe, " ");
  const characters = [...line];
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax - 1).join("")}…` : line;
};
