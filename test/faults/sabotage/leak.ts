import { replaceIn } from './replace.ts'

// A part of each request is never let go.
replaceIn(
  '/src/api/request-scope.ts',
  'ctx.state.requestId = randomUUID()',
  'ctx.state.requestId = randomUUID(); ((globalThis as any).leaked ??= []).push(new Array(1000).fill(0))',
)
