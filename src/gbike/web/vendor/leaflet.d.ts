export {};
declare global {
  var L: any;
}
