export function useEffect(effect: () => any, on?: any[]): void;
export function useMemo<T>(make: () => T, on: any[]): T;
export function useRef(first: any): { current: any };
export function useState(first: any): [any, (next: any) => void];
