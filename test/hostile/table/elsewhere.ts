import type { Row } from './row.ts'

/** Faults of the list that other specs are about. */
export const ELSEWHERE: readonly Row[] = [
  ['C13', 'records expire, keys are restored, two write', { in: 'test/naming/' }],
  ['C14', 'pushes while the name is published again', { in: 'test/naming/' }],
  ['C15', 'pushes without a network', { in: 'test/daemon/naming-away.spec.ts' }],
  [
    'C19',
    'a network namespace is cut off in the middle of a pull',
    { in: 'hosts on a wire (npm run network -- wire)' },
  ],
  [
    'C20',
    'the collector runs while a blob of a mirror is streamed',
    { in: 'issue 6, with the collector' },
  ],
  ['C22', 'ten thousand connections', { in: 'the network modes' }],
  ['C23', 'a flood of subscriptions', { in: 'the network modes' }],
  ['C24', 'STUN, and identify with malformed keys', { in: 'the network modes' }],
  ['C26', 'a wrong swarm key, and none', { in: 'the network modes' }],
]
