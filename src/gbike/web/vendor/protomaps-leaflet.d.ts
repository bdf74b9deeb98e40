declare const protomapsL: { PmtilesSource: any; leafletLayer(options: Record<string, any>): any };
export default protomapsL;
