import type { CallKind } from '../shim/shim.ts'

/**
 * Places in the life of a push or a collection, by what the process asks of its disk there. A kill may come before the call
 * or after it. What a collection forgets, and the marks that it takes away, are written as commits are.
 */
export const FAIL_POINTS: Readonly<
  Record<string, { readonly calls: readonly CallKind[]; readonly path: string }>
> = {
  'the making of a block': { calls: ['create'], path: 'blocks/' },
  'the writing of a block': { calls: ['write'], path: 'blocks/' },
  'the sync of a block or its directory': { calls: ['sync'], path: 'blocks/' },
  'the renaming of a block': { calls: ['rename'], path: 'blocks/' },
  'the removal of a block': { calls: ['unlink'], path: 'blocks/' },
  'the making of an upload': { calls: ['create'], path: 'uploads/' },
  'the writing of an upload’s log': { calls: ['write'], path: 'uploads/' },
  'the sync of an upload’s log': { calls: ['sync'], path: 'uploads/' },
  'the renaming of an upload’s log': { calls: ['rename'], path: 'uploads/' },
  'the removal of an upload': { calls: ['unlink'], path: 'uploads/' },
  'the writing of a commit, or of what a collection forgets': { calls: ['write'], path: 'state/' },
  'the sync of a commit': { calls: ['sync'], path: 'state/' },
  'the publishing of a root': { calls: ['write'], path: 'datastore/' },
}
