"""The parts of ``UnitOfWorkContract``: one file for each thing that a store keeps."""
