declare module "*.guest.js" {
  /** The file's own text: guest code travels inside components. */
  const text: string;
  export default text;
}

declare module "*.txt" {
  const text: string;
  export default text;
}

declare module "*.node" {
  /** Where the file lies; in the executable, a place that only it can read. */
  const path: string;
  export default path;
}
