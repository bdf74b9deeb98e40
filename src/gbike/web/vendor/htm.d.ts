declare const htm: { bind(make: any): (text: TemplateStringsArray, ...values: any[]) => any };
export default htm;
