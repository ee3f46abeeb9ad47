/**
 * How both engines spell a WIT name in JavaScript: words of any case become "getHttp" and "GetHttp". (The JS
 * mapping of the model keeps capitals; the two differ only for WIT names with capitals in them.)
 */
export const engineCamel = (kebab: string): string => {
  const name = enginePascal(kebab);
  return name[0]!.toLowerCase() + name.slice(1);
};

export const enginePascal = (kebab: string): string =>
  kebab
    .split("-")
    .map((word) => word[0]!.toUpperCase() + word.slice(1).toLowerCase())
    .join("");
