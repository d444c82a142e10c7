import type { FieldMetadata, FormMetadata, SubmissionResult } from '@conform-to/react'
import { getFormProps, useForm } from '@conform-to/react'
import { getZodConstraint, parseWithZod } from '@conform-to/zod/v4'
import { Form } from '@remix-run/react'
import type { ReactNode } from 'react'
import type { z } from 'zod'
import { CsrfToken } from './csrf-token.tsx'
import { useFormResult } from './form-result.ts'

type Fields<Schema extends z.ZodType> = {
  [Name in keyof z.input<Schema> & string]-?: FieldMetadata<string, Record<string, string>, string[]>
}

/**
 * A form whose fields are held to one schema on both sides: by the browser when a field is left, by the server when it
 * is sent, also without JavaScript. `intent` tells it from the other forms of its page; `values` is what it begins with;
 * `refused` is for a form that no action answers (`method="get"`): what its page's loader says is wrong with it.
 */
export function useNodeForm<Schema extends z.ZodType>(
  schema: Schema,
  {
    intent = '',
    values,
    refused
  }: {
    intent?: string
    values?: Record<string, string | null | undefined>
    refused?: SubmissionResult<string[]> | undefined
  } = {}
): { form: FormMetadata<Record<string, string>, string[]>; fields: Fields<Schema> } {
  const result = useFormResult(intent)
  const [form, fields] = useForm<Record<string, string>, unknown, string[]>({
    id: intent === '' ? 'form' : `form-${intent}`,
    lastResult: refused ?? result ?? null,
    ...(values && { defaultValue: values }),
    constraint: getZodConstraint(schema) as never,
    onValidate: ({ formData }: { formData: FormData }) => parseWithZod(formData, { schema }) as never,
    shouldValidate: 'onBlur',
    shouldRevalidate: 'onInput'
  })
  return { form, fields: fields as unknown as Fields<Schema> }
}

/** The form itself: carries the session's token, and says above its fields what is wrong with it as a whole. */
export function NodeForm({
  form,
  intent,
  action,
  children
}: {
  form: FormMetadata<Record<string, string>, string[]>
  /** Which form of its page it is. */
  intent?: string
  action?: string
  children: ReactNode
}) {
  return (
    <Form
      method="post"
      {...getFormProps(form)}
      {...(action !== undefined && { action })}
      className="flex max-w-xl flex-col gap-4"
    >
      <CsrfToken.Input />
      {intent !== undefined && <input type="hidden" name="intent" value={intent} />}
      <FormErrors form={form} />
      {children}
    </Form>
  )
}

/** What is wrong with a form as a whole. */
export function FormErrors({ form }: { form: FormMetadata<Record<string, string>, string[]> }) {
  if (!form.errors) return null
  return (
    <p id={form.errorId} role="alert" className="rounded border border-bad bg-bad-soft p-3 text-bad">
      {form.errors.join(' ')}
    </p>
  )
}
