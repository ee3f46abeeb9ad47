export const style = {
  render: (name: string): string => `Hello, ${name}!`,
};
