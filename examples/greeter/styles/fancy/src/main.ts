export const style = {
  render: (name: string): string => {
    const line = ` Hail, most noble ${name} `;
    const edge = "═".repeat([...line].length);
    return `╔${edge}╗\n║${line}║\n╚${edge}╝`;
  },
};
