
course/reati-spia
PERSONS_TRAINEDêcremona 
TRAINING_HOURSê 