/** Text as one word of a shell's command line, so that what a hint prints can be typed. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./^-][\w@%+=:,./#^-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
