/** Faults of the network, C01 to C26, and what holds for each (facts/faults.md §E3). */
export const RULES = {
  C01: 'a mirror says of a digest what is not true: found out before the last byte, and the next mirror delivers',
  C02: 'a tag leads to what is no manifest, or not the one: the next mirror delivers',
  C03: 'a bomb is refused for its size, before it is fetched',
  C04: 'no folder is too deep, too wide or too strange to end',
  C05: 'nodes that contradict themselves are no file and no folder',
  C06: 'only raw and dag-pb under sha2-256 are read',
  C07: 'a block has at most 2 MiB, and a peer that breaks the rules is no peer',
  C08: 'a record that is not signed as it should be is none',
  C09: 'an older record never moves a name back, nor after a restart',
  C10: 'of two records with one sequence the first stays, and the status says so',
  C11: 'a record names a directory by its CID, and nothing else is followed',
  C12: 'what a record says of time counts within our bounds',
  C13: 'our own key, expired, restored or shared: the name is not moved back',
  C14: 'a push while the name is published again is not lost',
  C15: 'without a network a push is acknowledged at once',
  C16: 'a mirror that stalls holds nobody up for half a minute',
  C17: 'mirrors that are all away cost what is here nothing',
  C18: 'what many pull at once is fetched once, and streams to all of them',
  C19: 'a partition in the middle of a pull ends well',
  C20: 'what is being read is not collected',
  C21: 'peers that want much and take nothing cost little',
  C22: 'connections are bounded',
  C23: 'subscriptions are bounded',
  C24: 'what is not offered does not listen',
  C25: 'a stranger gets nothing that was not published',
  C26: 'who has another swarm key is not let in',
} as const

export type Id = keyof typeof RULES

/** C01 to C26, none left out. */
export const IDS = Array.from({ length: 26 }, (_, n) => `C${String(n + 1).padStart(2, '0')}`)
