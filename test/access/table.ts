/** Where a row is shown: a file below `test/`, and words of a test's title that stand in it. */
export type Shown = readonly [file: string, title: string]

/**
 * A row: what somebody tries, what has to come of it, and what shows that it does. Without the last it is pending: its
 * spec is still to be named here.
 */
export type Row = readonly [id: string, what: string, expected: string, ...shown: Shown[]]

/** Everything about who may do what, and how much of it: docs/security.md has this table for readers. */
export const TABLE: readonly Row[] = [
  [
    'B29',
    'An immutable tag is moved, or deleted',
    '403 DENIED',
    ['access/refusals.spec.ts', 'moves or deletes a tag that stays (B29)'],
  ],
  [
    'B41',
    'Slow headers, slow bodies, slow readers',
    'cut off when they stop, an upload can be resumed, memory stays flat',
    ['faults/requests/clients.ts', 'headers that trickle, and connections without a word'],
    ['faults/requests/clients.ts', 'an upload that stops stands where it was, and can be finished'],
    ['faults/requests/clients.ts', 'downloads that nobody takes cost little, and others go on'],
  ],
  [
    'B42',
    '`Expect: 100-continue` with what is refused',
    'the refusal, and the body is never asked for',
    ['faults/requests/clients.ts', 'a manifest too large'],
    ['faults/requests/clients.ts', 'a blob too large'],
    [
      'access/modes.spec.ts',
      'refuses before the body is sent, where the client waits for that (B42)',
    ],
  ],
  [
    'B43',
    'A thousand pipelined requests; clients that leave after each header',
    'all answered or closed, nothing is left behind',
    ['faults/requests/clients.ts', 'a thousand requests at once are answered in their order'],
    ['faults/requests/clients.ts', 'a client that leaves after each header'],
  ],
  [
    'B55',
    'No credentials where they are needed',
    '401 UNAUTHORIZED with a `WWW-Authenticate` that says for what',
    ['api/guard.spec.ts', 'asks who it is when nobody says so, even of the ping'],
  ],
  [
    'B56',
    'Basic: bad base64, no colon, NUL, 10 KB, two headers, another scheme, a password of 73 bytes',
    '401, and no exception',
    ['access/basic.spec.ts', 'a password of 73 bytes'],
    ['access/basic.spec.ts', 'two headers'],
  ],
  [
    'B57',
    'An unknown user, or a wrong password; again and again',
    'the same answer after the same work; then 429 with `Retry-After`, and nobody else is kept out',
    [
      'access/logins.spec.ts',
      'say the same of an unknown name and of a wrong password, after as much work (B57)',
    ],
    ['access/guessing.spec.ts', 'gets no more tries by asking all at once'],
    ['access/guessed-names.spec.ts', 'gets one guess of each, after twenty in ten minutes'],
    [
      'access/guessed-names.spec.ts',
      'gets in from an address that has not guessed; and nobody learns whether there is one (B57)',
    ],
    ['access/modes.spec.ts', 'lets nobody guess (B57)'],
  ],
  [
    'B58',
    'A token: alg none, HS256 with a public key, a key of its own, kid `../../`, expired, not yet valid, for others, 1 MB',
    '401 (431 where it is longer than headers may be)',
    ['access/token-check.spec.ts', 'HMAC with the public key'],
    ['access/token-check.spec.ts', 'its own key'],
    ['access/token-check.spec.ts', 'a key by a path'],
    ['access/modes.spec.ts', 'refuses what is no token of ours, and says so (B58)'],
  ],
  [
    'B59',
    'A user who may only pull: POST, PATCH, PUT, DELETE',
    '403 DENIED (401 with the scope for a token)',
    ['access/refusals.spec.ts', 'only reads: every change is 403 (B59)'],
    ['api/guard.spec.ts', 'denies somebody known what he may not do, and nothing else'],
  ],
  [
    'B60',
    'A user who may push and not overwrite moves `latest`, also by digest and `?tag=`',
    '403 DENIED',
    [
      'access/refusals.spec.ts',
      'creates: moves no tag, whichever way it is pushed (B60, GO-2026-6527)',
    ],
  ],
  [
    'B61',
    'A user who may push and not delete: DELETE of a manifest, a blob, a tag; deletes switched off',
    '403 DENIED; 405 UNSUPPORTED for all three',
    [
      'access/refusals.spec.ts',
      'pushes: deletes nothing of any kind (B61); deletes that are off are 405 for all',
    ],
  ],
  [
    'B62',
    'A digest that is only in another repository, or was deleted here',
    '404 BLOB_UNKNOWN, MANIFEST_UNKNOWN',
    [
      'access/refusals.spec.ts',
      'sees nothing of other repositories through what he knows of them (B62)',
    ],
  ],
  [
    'B63',
    'Nobody in particular: catalog, tags, referrers, mounts, a token for everything',
    'only what everybody may read',
    ['access/refusals.spec.ts', 'is nobody: sees only what everybody may (B63)'],
    ['access/scope.spec.ts', 'give nothing where they are not written like one (B63)'],
  ],
  [
    'B64',
    'A mirror, or a token service, that points to other hosts',
    'nothing is sent there: keys are files, mirrors are peers of the mode’s scope',
    ['access/token-check.spec.ts', 'the address of its key'],
    [
      'ipfs/stays-inside.spec.ts',
      'is not sent into its own network by strangers, but calls configured peers there',
    ],
  ],
  [
    'B65',
    'A user is removed, a password or a group changed',
    'counts within 60 s',
    ['access/logins.spec.ts', 'end at once when the user is removed or has another password (B65)'],
    [
      'access/modes.spec.ts',
      'ends the tokens of a user who has another password, or is removed (B65)',
    ],
    [
      'access/refusals.spec.ts',
      'has to wait for a restart: rules hold from when they are replaced (B65)',
    ],
  ],
  [
    'B66',
    'Secrets in every place where a client or an operator may put them; keys, tokens',
    'in no log, at any level, nor in messages, nor in what a process says that dies; control characters are escaped',
    [
      'access/secrets.spec.ts',
      'no log has a secret that a client or the operator gave us, at level trace and with the audit log on',
    ],
    [
      'access/secrets-logins.spec.ts',
      'no log has them where we give tokens: nor the tokens, nor the key that signs them',
    ],
    [
      'access/secrets-of-mistakes.spec.ts',
      'are not said by a process that dies in the middle of a login',
    ],
    [
      'daemon/audit-file.spec.ts',
      'shows no control characters, and no text that hides or turns other text',
    ],
  ],
]

/** Rows that have to be there. */
export const IDS = [
  'B29',
  ...Array.from({ length: 3 }, (_, n) => `B${41 + n}`),
  ...Array.from({ length: 12 }, (_, n) => `B${55 + n}`),
]

/** The rows as docs/security.md has them. */
export function asMarkdown(): string {
  const lines = TABLE.map(([id, what, expected, ...shown]) => {
    const files = [...new Set(shown.map(([file]) => `\`${file}\``))]
    return `| ${id} | ${what} | ${expected} | ${files.join(', ') || 'not yet named'} |`
  })
  return ['| | what is tried | expected | shown by |', '| --- | --- | --- | --- |', ...lines].join(
    '\n',
  )
}
