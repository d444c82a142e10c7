import type { AdminContext } from './context.ts'

/** A mutation's resolver: runs once per idempotency key of its input. */
export function mutation<Input extends object, Result>(
  operation: string,
  run: (input: Input, context: AdminContext) => Promise<Result>
) {
  return (
    _parent: unknown,
    { input }: { input: Input & { idempotencyKey?: string | null } },
    context: AdminContext
  ): Promise<Result> =>
    context.idempotency.once(
      { tenantId: context.tenant.id, operation, key: input.idempotencyKey, input },
      () => run(input, context)
    )
}
