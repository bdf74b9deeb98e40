export const h: (type: any, props: any, ...children: any[]) => any;
export const render: (what: any, into: Element) => void;
