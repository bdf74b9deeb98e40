// Where a bike stood, from what was said of it: the points at which its rides ended, or operators put it.
import { isPlaced } from '../shared/rental.js';

// The oldest first; it stays where it is until it is moved. `events`: the newest first.
/** @param {{ at: string, facts: any }[]} events */
export function endsOf(events) {
  const placed = events.toReversed().filter(({ facts }) => isPlaced(facts) && !facts.stale);
  const ends = placed.map(({ at, facts: { lat, lon, location } }) => ({ at, lat, lon, location }));
  return ends.filter((one, index) => one.lat !== ends[index - 1]?.lat || one.lon !== ends[index - 1]?.lon);
}
