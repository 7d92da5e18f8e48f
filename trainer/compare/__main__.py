from trainer.compare.command import main

raise SystemExit(main())
