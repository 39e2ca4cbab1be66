
êPHONEVICTIM 