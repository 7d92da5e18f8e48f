;;; What a user of Emacs does with eglot; writes what was seen as JSON to $OBSERVED. -*- lexical-binding: t -*-

(setq package-user-dir (expand-file-name "packages" (getenv "HOME")))
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'json)

(setq eglot-confirm-server-initiated-edits nil
      eglot-sync-connect 30
      eglot-autoshutdown nil)

;; As docs/clients.md says.
(add-to-list 'eglot-server-programs
             `(verilog-mode . (,(getenv "SERVER_PYTHON") "-m" "lsp_server" "--stdio"
                               "--log-file" ,(getenv "SERVER_LOG"))))
(setq-default eglot-workspace-configuration '((verifrag . ((diagnostics . ((delay . 10)))))))

(defconst project default-directory)
(defvar seen nil "What was observed, an alist.")

(defun see (name value)
  (push (cons name value) seen))

(defun wait-for (what condition)
  "Wait until CONDITION returns something, and return it."
  (let ((patience 600) result)
    (while (and (not (setq result (funcall condition))) (> patience 0))
      (setq patience (1- patience))
      (accept-process-output nil 0.05))
    (or result (error "Waited in vain for %s" what))))

(defun open-file (name)
  (find-file (expand-file-name name project))
  (set-window-buffer nil (current-buffer))
  (unless (eglot-current-server)
    (apply #'eglot (eglot--guess-contact)))
  (wait-for "eglot to manage the buffer" #'eglot-managed-p))

(defun messages ()
  (eglot--signal-textDocument/didChange) ; eglot waits for an idle moment, which a batch never has
  (flymake-start)
  (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))

(defun see-diagnostics ()
  (open-file "rtl/alarm.v")
  (see 'diagnostics (vconcat (wait-for "diagnostics" #'messages)))
  (goto-char (point-min))
  (search-forward "treshold")
  (replace-match "threshold")
  (wait-for "the fixed buffer to be clean" (lambda () (null (messages))))
  (see 'unsaved (buffer-modified-p)))

(defun see-completions ()
  (goto-char (point-max))
  (search-backward "endmodule")
  (insert "  deb\n")
  (backward-char)
  (let* ((found (eglot-completion-at-point))
         (words (all-completions "deb" (nth 2 found))))
    (see 'completions (vconcat (mapcar #'substring-no-properties words)))))

(defun see-definition ()
  (open-file "rtl/top.v")
  (goto-char (point-min))
  (search-forward "pwm #(")
  (goto-char (match-beginning 0))
  (let* ((identifier (xref-backend-identifier-at-point 'eglot))
         (found (car (xref-backend-definitions 'eglot identifier))))
    (see 'definition (xref-location-group (xref-item-location found)))))

(defun see-generation ()
  (open-file "rtl/todo.v")
  (goto-char (point-max))
  (skip-chars-backward "\n")
  (let* ((action (wait-for "a code action"
                           (lambda () (car (append (eglot-code-actions (point)) nil)))))
         (command (plist-get action :command)))
    (see 'action (plist-get action :title))
    (jsonrpc-request (eglot-current-server) :workspace/executeCommand
                     `(:command ,(plist-get command :command)
                       :arguments ,(plist-get command :arguments))
                     :timeout 30))
  (see 'generated
       (wait-for "the generated module"
                 (lambda ()
                   (goto-char (point-min))
                   (and (search-forward "module from_comment" nil t) t)))))

(condition-case problem
    (progn
      (see-diagnostics)
      (see-completions)
      (see-definition)
      (see-generation))
  (error (see 'problem (error-message-string problem))))

(with-temp-file (getenv "OBSERVED")
  (insert (json-encode seen)))
(eglot-shutdown-all)
