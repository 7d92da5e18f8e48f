from trainer.finetune.command import main

raise SystemExit(main())
