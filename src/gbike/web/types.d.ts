// What the pages' modules hand to each other, for who reads them and for tsc. Not served.

/** One of the fleet, as the bike service answers it. */
interface Bike {
  bikeid: number;
  label?: string | null;
  status?: string | null;
  retired?: boolean;
  /** Kept out of service by somebody; `due`: until the first of them means to let go. */
  held?: boolean;
  due?: string | null;
  location?: string | null;
  /** In percent. */
  batterylevel?: number | null;
  /** It may be rented: it is available, and not known to be charged too little. */
  offered?: boolean;
  lat?: number | null;
  lon?: number | null;
  lastseen?: string | null;
  /** Where it was measured last; `stale`: it moved since, nobody knows where to. */
  point?: { lat: number; lon: number; at: string | null; stale?: boolean } | null;
}

interface Rent {
  rentid: number;
  userid: number;
  bikeid: number;
  starttime: string;
  /** It is under way for longer than rides are meant to be. */
  overdue?: boolean;
}

interface Point {
  lat: number;
  lon: number;
}

/** As the phone measured it: `accuracy` in metres, `at` in ms of the server's clock. */
interface Position extends Point {
  accuracy: number;
  at: number;
}

/** Where bikes stand, or may; `away`: in metres, Infinity where it is not known. */
interface Place {
  name: string;
  bikes?: Bike[];
  lat: number | null;
  lon: number | null;
  away: number;
}

/** A place on a map, with the number that stands in its disc. */
interface Disc {
  name: string;
  lat: number;
  lon: number;
  number: number;
}

/** Places that are one disc, with the number of all; where it is, in px. */
interface Cluster {
  x: number;
  y: number;
  places: Disc[];
  number: number;
}

/** What a list may be narrowed to. `param`: how its service calls it, where that is not `id`. */
interface Filter {
  id: string;
  kind: 'search' | 'choice' | 'number' | 'day' | 'lastDay' | 'flag';
  param?: string;
  label?: string;
  hint?: string;
  /** Of a choice: [value, words]. */
  options?: [string | number, string][];
  /** Of a flag: what it is called. */
  yes?: string;
  /** Of a number. */
  least?: number;
  most?: number;
}

/** What a dialog asks for. A day becomes its last moment, in RFC 3339 as a moment. */
interface GivenField {
  name: string;
  kind: 'reason' | 'text' | 'choice' | 'day' | 'moment' | 'amount' | 'number' | 'degrees' | 'label';
  label?: string;
  hint?: string;
  required?: boolean;
  value?: string;
  options?: [string, string][];
  least?: number;
  most?: number;
}

/** What the address of a list asks for. */
interface Asked {
  chosen: Record<string, string>;
  sort: string;
  down: boolean;
  /** The first is 1. */
  page: number;
}

interface Tariff {
  krw: number;
  per_s: number;
  rounding: string;
}

/** A figure of Prometheus' text. */
interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

type Words = Record<string, string | ((...facts: any[]) => string)>;

interface Notice {
  tone: string;
  text: string;
  way?: { text: string; href: string } | null;
  /** A moment until which somebody has to wait, in ms. */
  until?: number | null;
  /** Their sign-in is over: they are asked to sign in again where they are. */
  ended?: boolean;
  /** What may be done about it. */
  deed?: { text: string; run: () => void };
}

/** All that the pages know. */
interface State {
  /** null until the server said so. */
  mode: 'demo' | 'secure' | null;
  /** null when nobody is signed in. */
  who: { userid: number; roles: string[] } | null;
  /** Whether the last request was answered. */
  online: boolean;
  /** What to tell. */
  notice: Notice | null;
  /** What was tapped and is not answered yet. */
  busy: { kind: string } | null;
  /** Riders: the available bikes, or those nearest; null until they were read. */
  bikes: Bike[] | null;
  /** Riders: how many are available in all. */
  free: number;
  /** Riders: their rides under way; null until they were read. */
  open: Rent[] | null;
  tariff: Tariff | null;
  /** Riders: when they let us know. */
  here: Position | null;
  /** Riders: places that have a name, all of them or the first. */
  places: { known: Place[]; areSome: boolean };
  /** Riders: how often the view told of something new. */
  changes: number;
  /** Riders: how often they changed their account here. */
  accountChanges: number;
  /** Field staff: until when a busy server asked us to wait with the reports, in ms. */
  heldUntil: number | null;
  /** Field staff: null until it was read. */
  manager: { managerid?: number; userid?: number; point?: number } | null;
  /** What came of this page's reports and complaints, by their keys: true or the answer, or what was refused. */
  outcomes: Record<string, any>;
  /** Operators: every bike by its number; null until it was read. */
  fleet: Map<number, Bike> | null;
  /** Operators: the rides under way by their bikes; null until they were read. */
  rides: Map<number, Rent> | null;
  /** Operators: why the fleet is older than it should be. */
  fleetFailed: any;
}
