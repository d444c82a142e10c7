import type { FormMetadata } from '@conform-to/react'
import type { ReactNode } from 'react'
import { LinkButton, SubmitButton } from './button.tsx'
import type { ButtonLook } from './button.tsx'
import { FormErrors, NodeForm } from './node-form.tsx'
import { RouteDialog } from './route-dialog.tsx'

/**
 * Asks once more before something is done; `impossible` says why it cannot be, in place of the question, below what was
 * wrong with the answer to an earlier one.
 */
export function ConfirmDialog({
  title,
  parent,
  form,
  submitLabel,
  look = 'primary',
  impossible,
  children
}: {
  title: string
  /** The page that it belongs to, where both ways lead back to. */
  parent: string
  form: FormMetadata<Record<string, string>, string[]>
  submitLabel: string
  look?: ButtonLook
  impossible?: ReactNode
  /** What will happen, and the form's fields. */
  children: ReactNode
}) {
  return (
    <RouteDialog title={title} parent={parent}>
      {impossible === undefined ? (
        <NodeForm form={form}>
          {children}
          <div className="flex flex-wrap gap-3">
            <SubmitButton look={look}>{submitLabel}</SubmitButton>
            <LinkButton to={parent}>Go back</LinkButton>
          </div>
        </NodeForm>
      ) : (
        <div className="flex flex-col gap-4">
          <FormErrors form={form} />
          <p>{impossible}</p>
          <div>
            <LinkButton to={parent}>Go back</LinkButton>
          </div>
        </div>
      )}
    </RouteDialog>
  )
}
