interface Code {
  addData(text: string): void;
  make(): void;
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
}
/** `type` 0: as small as the text allows. */
export default function qrcode(type: number, correction: 'L' | 'M' | 'Q' | 'H'): Code;
